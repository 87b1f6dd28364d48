//! What a browser gets that is no data.

use crate::on_both;
use poem::http::Method;

on_both! {
    async fn an_address_where_nothing_is_says_so_to_people_and_to_programs(clinic: Clinic) {
        let browser = clinic.anonymous(Method::GET, "/nosuch").header("Accept", "text/html,application/xhtml+xml,*/*;q=0.8").send().await;
        assert_eq!((browser.status, browser.content_type.as_str()), (404, "text/html; charset=utf-8"));
        assert!(browser.text.contains("<h1>Nothing here</h1>") && browser.headers.contains_key("content-security-policy"));
        clinic.anonymous(Method::GET, "/nosuch").send().await.problem(404, "not-found");
        clinic.anonymous(Method::GET, "/v1/nosuch").header("Accept", "text/html").send().await.problem(404, "not-found");
        clinic.anonymous(Method::POST, "/nosuch").header("Accept", "text/html").send().await.problem(404, "not-found");
    }
}

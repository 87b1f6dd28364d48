//! Crisis lines: whoever asks may need them now.

use crate::on_both;
use poem::http::Method;

const PATH: &str = "/v1/support-resources";

on_both! {
    async fn crisis_lines_are_those_of_where_somebody_is(clinic: Clinic) {
        let anonymous = async |query: &str| clinic.anonymous(Method::GET, &format!("{PATH}{query}")).send().await;
        assert_eq!(anonymous("?country=us").await.expect(200).json()["emergency_number"], "911");
        assert_eq!(anonymous("").await.expect(200).json()["country"], "international");
        // The patient lives in the United States, the clinic lies in Germany, which has no entry of its own.
        assert_eq!(clinic.get(&clinic.patient, PATH).await.expect(200).json()["country"], "US");
        assert_eq!(clinic.get(&clinic.therapist, PATH).await.expect(200).json()["country"], "international");
        assert_eq!(clinic.get(&clinic.patient, &format!("{PATH}?country=CA")).await.expect(200).json()["country"], "CA");
        let spent = clinic.anonymous(Method::GET, PATH).header("Authorization", "Bearer kat_spent").send().await;
        assert_eq!(spent.expect(200).json()["country"], "international");
    }

    async fn what_is_no_country_is_told_so(clinic: Clinic) {
        for query in ["?country=USA", "?country=", "?country=1", "?country=US&country=CA"] {
            let bad = clinic.anonymous(Method::GET, &format!("{PATH}{query}")).send().await;
            bad.problem(400, "bad-request");
            assert_eq!(bad.pointers(), ["query:country"], "{query}");
        }
    }
}

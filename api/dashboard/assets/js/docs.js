// The API's document, shown by Swagger UI. Nothing leaves this host: no validator badge, no font, no example server.
/* global SwaggerUIBundle */
const dark = matchMedia("(prefers-color-scheme: dark)");
const theme = () => document.documentElement.classList.toggle("dark-mode", (document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark");
dark.addEventListener("change", theme);
theme();
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  filter: true,
  persistAuthorization: false,
  validatorUrl: null,
  queryConfigEnabled: false,
});

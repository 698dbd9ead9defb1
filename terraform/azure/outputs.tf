output "web_url" {
  description = "Where the web service answers"
  value       = "https://${azurerm_container_app.web.ingress[0].fqdn}"
}

output "identity" {
  description = "The app's identity, to give it rights"
  value       = azurerm_user_assigned_identity.this.principal_id
}

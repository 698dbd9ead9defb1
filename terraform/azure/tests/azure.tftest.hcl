mock_provider "azurerm" {}

variables {
  subscription_id = "00000000-0000-0000-0000-000000000000"
  image           = "sample.azurecr.io/sample-web@sha256:0000000000000000000000000000000000000000000000000000000000000000"
}

run "https_only_and_from_one_to_four" {
  command = plan

  assert {
    condition     = !azurerm_container_app.web.ingress[0].allow_insecure_connections && azurerm_container_app.web.ingress[0].target_port == 8080
    error_message = "The app answers without TLS, or on another port."
  }

  assert {
    condition     = azurerm_container_app.web.template[0].min_replicas == 1 && azurerm_container_app.web.template[0].max_replicas == 4
    error_message = "There are not one to four replicas."
  }

  assert {
    condition     = azurerm_container_app.web.template[0].container[0].readiness_probe[0].path == "/health"
    error_message = "Health is not asked for."
  }
}

run "pulls_by_identity_and_no_password" {
  variables {
    registry = {
      id     = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/sample/providers/Microsoft.ContainerRegistry/registries/sample"
      server = "sample.azurecr.io"
    }
  }

  override_resource {
    target = azurerm_user_assigned_identity.this
    values = {
      id           = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/sample-dev/providers/Microsoft.ManagedIdentity/userAssignedIdentities/sample-dev"
      principal_id = "11111111-1111-1111-1111-111111111111"
    }
  }

  assert {
    condition     = azurerm_container_app.web.registry[0].identity == azurerm_user_assigned_identity.this.id && azurerm_role_assignment.pull[0].role_definition_name == "AcrPull"
    error_message = "The app does not pull with its identity."
  }
}

run "an_image_by_tag" {
  command = plan

  variables {
    image = "sample.azurecr.io/sample-web:latest"
  }

  expect_failures = [var.image]
}

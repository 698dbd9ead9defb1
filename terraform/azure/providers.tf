provider "azurerm" {
  subscription_id = var.subscription_id

  features {
    resource_group {
      # A destroy does not take along what somebody put into the group by hand.
      prevent_deletion_if_contains_resources = true
    }
  }
}

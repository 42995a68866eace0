"""What the portal was used for, from the generation rows."""

"""Real servers, started and stopped by the tests that need them."""

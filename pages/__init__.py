"""What people see. Page files hold functions only: Home.py calls them after it knew who is asking."""

"""The portal's one command. What runs before the environment exists (main, install and below) is standard library only."""

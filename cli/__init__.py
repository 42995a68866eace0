"""The portal's single command. Modules that run before the environment exists (main, install and below) use the standard library only."""

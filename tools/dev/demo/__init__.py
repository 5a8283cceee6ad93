"""The main job of ./dev demo: runs the machine-learning example under an engine, and shows it."""

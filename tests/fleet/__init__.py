"""Real test hosts: Debian virtual machines with Podman, built, started and stopped from here.

Standard library only, because it runs before any virtual environment exists.
"""

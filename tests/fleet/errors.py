"""The one exception of the fleet; its text is meant for a person."""


class FleetError(Exception):
    """Something a person has to know about; printed without a traceback."""

"""Profiles, their check, and their compilation into native Data Designer jobs.

Data Designer reads its switches when it is first imported, so they are set here: no telemetry, no version look-up.
"""

import os

os.environ.setdefault("NEMO_TELEMETRY_ENABLED", "false")
os.environ.setdefault("DATA_DESIGNER_DISABLE_VERSION_CHECK", "1")

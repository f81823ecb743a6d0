"""Profiles, their schemas, and their compilation into native Data Designer jobs.

Data Designer reads its switches when it is first imported, so they are set here: no telemetry, no version look-up.
"""

from columns.types.quiet import silence_libraries

silence_libraries()

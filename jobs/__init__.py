"""Where jobs run: the library, a service or a cluster, and what stands between a job and its provider.

Data Designer reads its switches when it is first imported, so they are set here: no telemetry, no version look-up.
"""

from columns.types.quiet import silence_libraries

silence_libraries()

"""A machine of one core, for programs that find this folder on their path.

By default a build starts a process for each core, and each process loads all its libraries: seconds that most tests
have no use for. Those about processes say how many they want.
"""

import os

os.cpu_count = lambda: 1

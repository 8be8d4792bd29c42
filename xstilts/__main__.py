"""`python -m xstilts` is `xstilts`."""

import sys

from xstilts.cli import main

sys.exit(main())

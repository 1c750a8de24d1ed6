"""``python -m awslabs_dsql_mcp``."""

import sys

from awslabs_dsql_mcp.cli import main

sys.exit(main())

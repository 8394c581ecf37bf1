"""What the files in a week's folder are called."""

PAGE_NAME = "index.html"
TEXT_NAME = "report.txt"
SUMMARY_NAME = "summary.json"
FUNCTION_PREFIX = "function-"
CHART_PREFIX = "chart-"
TABLE_PREFIX = "table-"

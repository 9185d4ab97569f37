"""Platform report files in, upload sheets out."""

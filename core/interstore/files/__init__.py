"""Files of others: records of JSON, JSON Lines and CSV, each with the place where it stands.

They are read as they are asked for, and from any record's end on, so a file of any size is held a
record at a time, and reading it can be resumed.
"""

from interstore.files.file import FORMATS, File
from interstore.files.records import Record, read_records

__all__ = ["FORMATS", "File", "Record", "read_records"]

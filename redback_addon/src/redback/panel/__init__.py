"""What people see of the add-on in Home Assistant, served on a port of its own.

server.py   the port, who may use it, and its routes
"""

from .server import Panel

__all__ = ["Panel"]

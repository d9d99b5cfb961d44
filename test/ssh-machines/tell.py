"""tell.py FOLDER on|off NAME: has the keeper boot a machine, or turn it off."""
import os
import socket
import sys

folder, word, name = sys.argv[1:]
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(("%s %s" % (word, name)).encode(), os.path.join(folder, "control"))

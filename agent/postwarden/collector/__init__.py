"""Files of the mail host that only root can read, brought where the service can: a pass of `postwarden collect`.

It runs as root, over folders whose owners may be hostile. So it opens nothing by following a link, reads regular
files only, bounds sizes and numbers, and writes below the drop folder and nowhere else. It connects to nothing.
"""

"""The source kind `keycloak`: an OpenID provider before a mail server of one's own, read-only.

Grade: from documentation only; no Keycloak was reached, but a server of our own after its documentation.
"""

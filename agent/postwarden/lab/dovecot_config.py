"""The configuration of the lab's Dovecot 2.3: complete, so that nothing of the system's own is read."""

import grp
import os
import pwd
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from postwarden.errors import LabError
from postwarden.lab.organisation import Organisation
from postwarden.lab.ports import HOST, Endpoints


@dataclass(frozen=True)
class Options:
    """How this Dovecot differs from a well set up one.

    `acl_user` off makes the master user blind: it logs in, and sees no folder. `auth_delay` keeps Dovecot's
    growing delays after failed log-ins. `oauth` accepts tokens of `Lab.token`. `plaintext` accepts passwords
    without TLS.
    """

    acl_user: bool = True
    auth_delay: bool = False
    oauth: bool = False
    plaintext: bool = False


@dataclass(frozen=True)
class Identities:
    """The system users that Dovecot's processes run as, and the group that may read its password files."""

    login: str
    internal: str
    internal_group: str
    mail: str
    mail_group: str
    root: bool


def identities() -> Identities:
    """Root runs Dovecot as packages do, as `dovecot`, `dovenull` and `mail`; everybody else as themselves."""
    uid = os.geteuid()
    try:
        if uid == 0:
            for user in ("dovecot", "dovenull", "mail"):
                pwd.getpwnam(user)
            return Identities("dovenull", "dovecot", "dovecot", "mail", "mail", root=True)
        user = pwd.getpwuid(uid).pw_name
        group = grp.getgrgid(os.getegid()).gr_name
    except KeyError as exc:
        raise LabError(
            f"dovecot needs a user that this system does not know: {exc.args[0]}",
            "install dovecot from a package, or run as a user of /etc/passwd",
        ) from exc
    return Identities(user, user, group, user, group, root=False)


def text(home: Path, ports: Endpoints, who: Identities, options: Options, organisation: Organisation) -> str:
    """The configuration file for a Dovecot whose files are all in `home`, a path without spaces."""
    parts = [
        _general(home, who),
        _authentication(home, options),
        _mail(home, organisation),
        _access_rights(home, options),
        _listeners(ports),
        _LOGGING,
    ]
    if not who.root:
        parts.append(_WITHOUT_CHROOT)
    return "\n".join(parts)


def _general(home: Path, who: Identities) -> str:
    return f"""
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/dovecot.log
log_timestamp = "%Y-%m-%dT%H:%M:%S%z "
instance_name = {home.name}
protocols = imap sieve
listen = {HOST}
default_login_user = {who.login}
default_internal_user = {who.internal}
default_internal_group = {who.internal_group}
first_valid_uid = 1
first_valid_gid = 1
ssl = yes
ssl_cert = <{home}/tls/server.pem
ssl_key = <{home}/tls/server.key
mail_uid = {who.mail}
mail_gid = {who.mail_group}
mail_home = {home}/mail/%u
mail_location = maildir:{home}/mail/%u/Maildir
"""


def _authentication(home: Path, options: Options) -> str:
    mechanisms = "plain login oauthbearer xoauth2" if options.oauth else "plain login"
    text = f"""
auth_mechanisms = {mechanisms}
auth_master_user_separator = *
auth_verbose = yes
disable_plaintext_auth = {"no" if options.plaintext else "yes"}
passdb {{
  driver = passwd-file
  master = yes
  args = {home}/masters
  result_success = continue
}}
passdb {{
  driver = passwd-file
  args = {home}/users
}}
userdb {{
  driver = passwd-file
  args = {home}/users
}}
"""
    if options.oauth:
        text += f"""
passdb {{
  driver = oauth2
  mechanisms = oauthbearer xoauth2
  args = {home}/oauth2.conf
}}
"""
    if not options.auth_delay:
        # The delay after a failure is one thing, the growing penalty of the address another.
        text += """
auth_failure_delay = 0
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
"""
    return text


def _mail(home: Path, organisation: Organisation) -> str:
    folders = "".join(
        f'  mailbox "{name}" {{\n    special_use = {use}\n  }}\n' for name, use in _special_uses(organisation)
    )
    return f"""
namespace inbox {{
  inbox = yes
  separator = /
{folders}}}
namespace shared {{
  type = shared
  separator = /
  prefix = shared/%%u/
  location = maildir:{home}/mail/%%u/Maildir:INDEXPVT={home}/mail/%u/shared/%%u
  subscriptions = no
  list = children
}}
mail_plugins = acl mail_log notify
mail_attribute_dict = file:{home}/mail/%u/dovecot-attributes
protocol imap {{
  mail_plugins = $mail_plugins imap_acl
  imap_metadata = yes
  mail_max_userip_connections = 50
}}
"""


def _special_uses(organisation: Organisation) -> Iterable[tuple[str, str]]:
    """Dovecot knows special uses by the folder's name, the same for every account."""
    return sorted(
        {
            (folder.name, folder.special_use)
            for account in organisation.accounts
            for folder in account.folders
            if folder.special_use is not None
        }
    )


def _access_rights(home: Path, options: Options) -> str:
    # Rights are those of the mailbox's owner also for a master user; without this line it has those of a
    # stranger, and finds an empty mailbox.
    acl_user = "  acl_user = %u\n" if options.acl_user else ""
    return f"""
plugin {{
  acl = vfile
  acl_shared_dict = file:{home}/acl/shared-mailboxes.db
  acl_anyone = allow
{acl_user}  sieve = file:~/sieve;active=~/.dovecot.sieve
  sieve_extensions = +vnd.dovecot.duplicate +editheader +imapflags +vnd.dovecot.environment +mboxmetadata +servermetadata
  mail_log_events = delete undelete expunge copy save mailbox_create mailbox_delete mailbox_rename flag_change
  mail_log_fields = uid box msgid size from subject flags vsize
}}
"""


def _listeners(ports: Endpoints) -> str:
    return f"""
service imap-login {{
  inet_listener imap {{
    port = {ports.imap}
  }}
  inet_listener imaps {{
    port = {ports.imaps}
    ssl = yes
  }}
}}
service managesieve-login {{
  inet_listener sieve {{
    port = {ports.sieve}
  }}
}}
"""


_LOGGING = """
login_log_format_elements = user=<%u> auth_user=<%{auth_user}> orig_user=<%{orig_user}> method=%m rip=%r rport=%b lip=%l mpid=%e %c %k session=<%{session}>
event_exporter log {
  format = json
  format_args = time-rfc3339
  transport = log
}
metric imap_commands {
  filter = event=imap_command_finished
  exporter = log
}
metric sieve_commands {
  filter = event=managesieve_command_finished OR event=sieve_action_finished
  exporter = log
}
metric mails {
  filter = event=mail_opened OR event=mail_expunged
  exporter = log
}
metric log_ins {
  filter = event=auth_request_finished OR event=mail_user_session_finished
  exporter = log
}
"""

#: Only root may change the root folder of a process.
_WITHOUT_CHROOT = "\n".join(
    f"service {name} {{\n  chroot =\n}}" for name in ("anvil", "imap-login", "managesieve-login", "stats")
)

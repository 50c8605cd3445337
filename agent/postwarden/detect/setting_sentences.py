"""What a setting says, in a sentence for people who have to decide about a finding."""

from postwarden.model.evidence import Setting

#: Settings of the agent itself, and what they mean where all is not well.
_AGENT = {
    "sweep_overdue": "accounts were not swept within twice the interval at: {}",
    "credential_refused": "a log-in of ours was refused, or its secret was missing, at: {}",
    "rights_lost": "was read before and is denied, or no longer there, now: {}",
    "rights_beyond_need": "sources grant us what an audit does not need: {}",
    "clock_stepped": "the clock of this machine was set {}",
    "disk_low": "the disk with the state folder has {}",
    "notifier_failing": "notices could not be delivered, and are tried again, by: {}",
    "configuration_refused": "the configuration on the disk is not in force: {}",
}


def setting_sentence(setting: Setting) -> str:
    known = _AGENT.get(setting.name) if setting.scope.kind == "agent" else None
    if known is not None:
        return known.format(setting.value)
    return f"the setting {setting.name.replace('_', ' ')} is {setting.value}"

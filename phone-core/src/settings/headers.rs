//! Which headers an account's messages carry, and what it takes from whom.

use super::read::Values;

/// "Use Privacy Header" and "Use P-Preferred-Identity Header".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenHeader {
    /// Unless the special feature is Huawei IMS.
    #[default]
    Default,
    /// Always.
    Yes,
    /// Never.
    No,
}

/// In which requests something stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// In none.
    #[default]
    None,
    /// In REGISTER alone.
    Register,
    /// In all but REGISTER.
    ExceptRegister,
    /// In all.
    All,
}

impl Which {
    /// Whether it stands in a request of this kind.
    pub fn holds(self, register: bool) -> bool {
        match self {
            Which::None => false,
            Which::Register => register,
            Which::ExceptRegister => !register,
            Which::All => true,
        }
    }
}

/// The account's header settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderSettings {
    /// "Use Privacy Header" in INVITE (RFC 3323).
    pub privacy: WhenHeader,
    /// "Use P-Preferred-Identity Header" in INVITE (RFC 3325).
    pub preferred_identity: WhenHeader,
    /// "Use X-Grandstream-PBX Header". Default on.
    pub grandstream_pbx: bool,
    /// "Use P-Access-Network-Info Header" (RFC 7315). Default on.
    pub access_network: bool,
    /// "Use P-Emergency-Info Header". Default on.
    pub emergency_info: bool,
    /// "Use MAC Header".
    pub mac_header: Which,
    /// "Add MAC in User-Agent".
    pub mac_in_user_agent: Which,
    /// "Proxy-Require"; may be empty.
    pub proxy_require: String,
    /// "Special Feature" is Huawei IMS.
    pub huawei_ims: bool,
}

impl HeaderSettings {
    /// Reads the settings of an account.
    pub fn from_values(account: &Values<'_>) -> Self {
        let when = [("yes", WhenHeader::Yes), ("no", WhenHeader::No)];
        let mac_header = [("register", Which::Register), ("all", Which::All)];
        let in_user_agent = [("except_register", Which::ExceptRegister), ("all", Which::All)];
        Self {
            privacy: account.choice("sip.header.privacy", WhenHeader::Default, &when),
            preferred_identity: account.choice("sip.header.ppi", WhenHeader::Default, &when),
            grandstream_pbx: account.yes("sip.header.xgrandstream", true),
            access_network: account.yes("sip.header.pani", true),
            emergency_info: account.yes("sip.header.pei", true),
            mac_header: account.choice("sip.header.macheader", Which::None, &mac_header),
            mac_in_user_agent: account.choice("sip.header.mac", Which::None, &in_user_agent),
            proxy_require: account.text("network.proxyrequire"),
            huawei_ims: account.text("sip.specialfeature") == "huawei_ims",
        }
    }

    /// Whether a header set to `when` stands in an INVITE.
    pub fn wants(&self, when: WhenHeader) -> bool {
        match when {
            WhenHeader::Default => !self.huawei_ims,
            WhenHeader::Yes => true,
            WhenHeader::No => false,
        }
    }
}

/// "Allow Unsolicited REFER".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnsolicitedRefer {
    /// Refused.
    #[default]
    Disabled,
    /// Carried out.
    Enabled,
    /// Carried out after its sender has proved to know the account's password.
    ForceAuth,
}

/// What the account takes from whom (the guide's "Advanced Settings / Security").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecuritySettings {
    /// "Validate Incoming SIP Messages": without a readable From and CSeq they are refused.
    pub validate_incoming: bool,
    /// "Allow Unsolicited REFER".
    pub unsolicited_refer: UnsolicitedRefer,
    /// "Accept Incoming SIP from Proxy Only".
    pub from_server_only: bool,
    /// "Check SIP User ID for Incoming INVITE".
    pub check_user_id: bool,
    /// "Allow SIP Reset".
    pub allow_reset: bool,
    /// "Authenticate Incoming INVITE".
    pub authenticate_invite: bool,
}

impl SecuritySettings {
    /// Reads the settings of an account.
    pub fn from_values(account: &Values<'_>) -> Self {
        let refer = [("enabled", UnsolicitedRefer::Enabled), ("force_auth", UnsolicitedRefer::ForceAuth)];
        Self {
            validate_incoming: account.yes("sip.validate.incomingmessage", false),
            unsolicited_refer: account.choice("sip.allowunsolicitedrefer", UnsolicitedRefer::Disabled, &refer),
            from_server_only: account.yes("sip.validate.incomingserver", false),
            check_user_id: account.yes("sip.validate.useridforinvite", false),
            allow_reset: account.yes("sip.allowsipreset", false),
            authenticate_invite: account.yes("sip.authenticateincominginvite", false),
        }
    }
}

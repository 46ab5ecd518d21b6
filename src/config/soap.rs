//! `[soap]`: how strictly envelopes are read, and in which words faults are told.

use super::section::Section;
use crate::domain::Seconds;

/// Section `soap`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Soap {
    /// What happens to a request that is not what the WSDL describes. Default: lenient.
    pub validation: Validation,
    /// How a vendor's own fault code is told in SOAP 1.1. Default: bare, as the vendor documents it.
    pub fault_codes: FaultCodes,
    /// How far ahead of the gateway's clock a message may say that it was created. Default 300 s.
    pub clock_skew: Seconds,
}

/// How a request is held against the WSDL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Validation {
    /// What clients in use send is understood; it is counted and can be logged.
    #[default]
    Lenient,
    /// Whatever deviates from the WSDL is a fault that names the deviation.
    Schema,
}

/// How a vendor's own fault code is told in SOAP 1.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FaultCodes {
    /// As the vendor documents it: bare, in the place of the fault code.
    #[default]
    Vendor,
    /// The standard code in its place, the vendor's in the detail; for stacks that take qualified names alone.
    Qname,
}

impl Default for Soap {
    fn default() -> Self {
        Self { validation: Validation::default(), fault_codes: FaultCodes::default(), clock_skew: Seconds::new(300) }
    }
}

impl Soap {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        let validations = [("lenient", Validation::Lenient), ("schema", Validation::Schema)];
        let codes = [("vendor", FaultCodes::Vendor), ("qname", FaultCodes::Qname)];
        Self {
            validation: section.choice("validation", &validations).unwrap_or_default(),
            fault_codes: section.choice("fault_codes", &codes).unwrap_or_default(),
            clock_skew: section.whole("clock_skew", 0..=86_400u64).map_or(default.clock_skew, Seconds::new),
        }
    }
}

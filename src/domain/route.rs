//! Called routes: where a dialled number goes. A hotline, perhaps with an extension, leads to one skill queue or one IVR
//! flow.
//!
//! The rules about media types stand here: which of them a hotline carries, and that no IVR flow talks to people who
//! write.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Dialled, Extension, HotlineCode};

/// What people do on a line: speak, see each other, write. The numbers are the vendor's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum MediaType {
    /// 2, voice click-to-dial.
    VoiceClickToDial,
    /// 5, voice and video.
    #[default]
    VoiceAndVideo,
    /// 18, video click-to-dial.
    VideoClickToDial,
    /// 19, video.
    Video,
    /// 53, multimedia: text chats and the like.
    Multimedia,
}

impl MediaType {
    /// Every media type, in the order of the numbers.
    pub const ALL: [Self; 5] =
        [Self::VoiceClickToDial, Self::VoiceAndVideo, Self::VideoClickToDial, Self::Video, Self::Multimedia];

    /// The vendor's number.
    pub const fn number(self) -> u8 {
        match self {
            Self::VoiceClickToDial => 2,
            Self::VoiceAndVideo => 5,
            Self::VideoClickToDial => 18,
            Self::Video => 19,
            Self::Multimedia => 53,
        }
    }

    /// The media type of one of the vendor's numbers.
    pub fn of(number: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|media| u64::from(media.number()) == number)
    }

    /// The media types of routes on a hotline of this one. The vendor documents 2, 5 and 53; hotlines of the two
    /// video types carry their own only.
    pub const fn carried(self) -> &'static [Self] {
        match self {
            Self::VoiceClickToDial => &[Self::VoiceClickToDial, Self::VideoClickToDial],
            Self::VoiceAndVideo => &[Self::VoiceAndVideo, Self::Video],
            Self::VideoClickToDial => &[Self::VideoClickToDial],
            Self::Video => &[Self::Video],
            Self::Multimedia => &[Self::Multimedia],
        }
    }
}

impl From<MediaType> for u8 {
    fn from(media: MediaType) -> Self {
        media.number()
    }
}

impl TryFrom<u8> for MediaType {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, &'static str> {
        Self::of(u64::from(number)).ok_or("is no media type")
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number())
    }
}

/// The id of a skill queue, counted in the tenant's environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SkillId(pub u32);

/// The id of an IVR flow; the operator gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FlowId(pub u32);

/// Where a route leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Destination {
    /// To the agents of a skill queue.
    Skill(SkillId),
    /// To an IVR flow.
    Flow(FlowId),
}

impl Destination {
    /// The id within its kind.
    pub const fn id(self) -> u32 {
        match self {
            Self::Skill(id) => id.0,
            Self::Flow(id) => id.0,
        }
    }
}

/// The id of a called route: 19 decimal digits, never given twice, and not to be guessed from another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RouteId(pub u64);

impl RouteId {
    /// Digits of an id that are drawn.
    const DRAWN: u64 = 1_000_000_000;

    /// The id of the route with a configuration number, made unguessable by a draw.
    pub(super) const fn new(dnid: u32, drawn: u32) -> Self {
        Self(1_000_000_000_000_000_000 + dnid as u64 * Self::DRAWN + drawn as u64 % Self::DRAWN)
    }
}

impl fmt::Display for RouteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A called route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The gateway's id.
    pub id: RouteId,
    /// The configuration number: counts from 1 in its scope and is never given twice there.
    pub dnid: u32,
    /// What is dialled.
    pub hotline: HotlineCode,
    /// What is dialled behind it, if anything.
    pub extension: Option<Extension>,
    /// What people do on the line.
    pub media: MediaType,
    /// Where the call goes.
    pub destination: Destination,
}

impl Route {
    /// The whole number that leads here; no other route has it.
    pub fn dialled(&self) -> Dialled {
        Dialled::of(&self.hotline, self.extension.as_ref())
    }
}

/// What a caller says of a route to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRoute {
    /// A hotline of the tenant.
    pub hotline: HotlineCode,
    /// An extension, if the hotline has several destinations.
    pub extension: Option<Extension>,
    /// The media type; without it, that of the queue, or voice and video for a flow.
    pub media: Option<MediaType>,
    /// An existing queue or flow.
    pub destination: Destination,
}

/// What deleting a list of routes came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeletedRoutes {
    /// Those that are gone now, in the order in which they were named.
    pub deleted: Vec<std::sync::Arc<Route>>,
    /// Configuration numbers that no route has.
    pub unknown: Vec<u32>,
}

/// Which routes a list shows; a member that is `None` restricts nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteFilter {
    /// Those of this hotline.
    pub hotline: Option<HotlineCode>,
    /// Those with this extension.
    pub extension: Option<Extension>,
    /// Those that lead to this kind of destination.
    pub kind: Option<DestinationKind>,
    /// Those of this media type.
    pub media: Option<MediaType>,
    /// Those that lead to one of these.
    pub destinations: Option<Vec<Destination>>,
}

/// The kinds of destinations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DestinationKind {
    /// Skill queues.
    Skill,
    /// IVR flows.
    Flow,
}

impl DestinationKind {
    /// A destination of this kind.
    pub const fn with(self, id: u32) -> Destination {
        match self {
            Self::Skill => Destination::Skill(SkillId(id)),
            Self::Flow => Destination::Flow(FlowId(id)),
        }
    }

    /// The kind of a destination.
    pub const fn of(destination: Destination) -> Self {
        match destination {
            Destination::Skill(_) => Self::Skill,
            Destination::Flow(_) => Self::Flow,
        }
    }
}

impl RouteFilter {
    /// Whether a list shows the route.
    pub fn shows(&self, route: &Route) -> bool {
        self.hotline.as_ref().is_none_or(|hotline| *hotline == route.hotline)
            && self.extension.as_ref().is_none_or(|extension| Some(extension) == route.extension.as_ref())
            && self.kind.is_none_or(|kind| kind == DestinationKind::of(route.destination))
            && self.media.is_none_or(|media| media == route.media)
            && self.destinations.as_ref().is_none_or(|some| some.contains(&route.destination))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hotline_carries_the_media_types_that_the_vendor_lists_and_no_others() {
        let carried = |number| MediaType::of(number).unwrap().carried().iter().map(|media| media.number());
        let rows: [(u64, &[u8]); 5] = [(2, &[2, 18]), (5, &[5, 19]), (18, &[18]), (19, &[19]), (53, &[53])];
        for (hotline, expected) in rows {
            assert_eq!(carried(hotline).collect::<Vec<_>>(), expected, "hotline of media type {hotline}");
        }
    }

    #[test]
    fn only_the_documented_numbers_are_media_types() {
        let known: Vec<u64> = (0..300).filter(|number| MediaType::of(*number).is_some()).collect();
        assert_eq!(known, [2, 5, 18, 19, 53]);
        assert_eq!(MediaType::default().number(), 5);
    }

    #[test]
    fn a_route_id_has_19_digits_whatever_is_drawn() {
        for (dnid, drawn) in [(1, 0), (1, u32::MAX), (u32::MAX, u32::MAX)] {
            let text = RouteId::new(dnid, drawn).to_string();
            assert_eq!(text.len(), 19);
            assert!(text.parse::<i64>().is_ok(), "it fits the integers that clients read");
        }
        assert!(RouteId::new(2, 0) > RouteId::new(1, u32::MAX));
    }
}

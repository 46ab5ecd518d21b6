//! Why a call is recognised or is not.

use schemars::JsonSchema;
use serde::Serialize;

use crate::access::Effect;
use crate::dialect::native::framework::body::Json;
use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::members::{Nothing, members};
use crate::dialect::native::framework::operation::{Asked, Operation, RequestContext, Served, Verb};
use crate::dialect::native::framework::reply::WithBody;
use crate::dialect::native::framework::time::Time;
use crate::dialect::native::framework::value::Word;
use crate::dialect::native::resources::allocations::ShownAllocation;
use crate::dialect::native::resources::calls::GivenCode;
use crate::dialect::native::resources::numbers::ShownNumber;
use crate::domain::explanation::{Called, Near, Outcome, Timing, Verdict};
use crate::domain::history::End;
use crate::domain::refusal::Miss;
use crate::domain::state::Fit;
use crate::domain::{Caller, Dialled, Explain, Explanation};

/// The operations of this module.
pub(in crate::dialect::native) const OPERATIONS: &[&dyn Served] = &[&ExplainCall];

members! {
    /// A call that is to be explained.
    CallToExplain {
        /// The number that was dialled: a whole number, a DNID, or an access code with what was dialled behind it.
        dialled: Dialled,
        /// The caller's own number.
        caller: Option<Caller>,
        /// The access code that the caller gave.
        code: Option<GivenCode>,
        /// When the call came, not later than now; by default it comes now.
        at: Option<Time>,
    }
}

/// Why a call is recognised or is not.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CallExplanation")]
pub(in crate::dialect::native) struct ShownExplanation {
    /// When the call came.
    at: Time,
    /// What the dialled digits are: a whole number, the DNID of one or more, an access code that is one of these, or
    /// nothing of the pools.
    #[schemars(extend("enum" = ["number", "dnid", "hotline", "nothing"]))]
    dialled_as: &'static str,
    /// The numbers that they stand for, as they are now; at most twenty.
    numbers: Vec<ShownNumber>,
    /// What a match would have done: recognised the call, found several allocations that fit, recognised it only where
    /// late calls are, or not recognised it.
    #[schemars(extend("enum" = ["recognised", "ambiguous", "late", "not-recognised"]))]
    outcome: &'static str,
    /// Why it is not recognised; null where it is.
    #[schemars(extend("enum" = ["unknown_number", "not_lent", "expired", "wrong_caller", "wrong_code", null]))]
    reason: Option<&'static str>,
    /// All of it, for people.
    sentence: String,
    /// The allocations that are or were near, the nearest first: of the same number, the same caller or the same code.
    near: Vec<ShownNear>,
    /// Whether there are more than the twenty that are listed, or more than were looked through.
    more: bool,
    /// Since when ended allocations are known; null where none were dropped.
    history_from: Option<Time>,
}

/// An allocation near a call.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "NearAllocation")]
struct ShownNear {
    /// The allocation, as it was when it ended or is now.
    allocation: ShownAllocation,
    /// When it ended; null while it runs.
    until: Option<Time>,
    /// How it ended; null while it runs.
    ended: Option<Word<End>>,
    /// Whether the dialled number was lent by it.
    number: bool,
    /// How the code fits; `not-given` where the call says none, `not-told` where the allocation has none.
    #[schemars(extend("enum" = ["right", "wrong", "not-given", "not-told"]))]
    code: &'static str,
    /// How the caller's number fits, in the same words.
    #[schemars(extend("enum" = ["right", "wrong", "not-given", "not-told"]))]
    caller: &'static str,
    /// How the time fits: the number was lent then, rested after it, had been lent longer ago, had been freed or matched,
    /// or was lent only later.
    #[schemars(extend("enum" = ["live", "late", "expired", "ended", "early"]))]
    timing: &'static str,
    /// Whole seconds between the call and the allocation; 0 while it ran.
    seconds_apart: u64,
    /// What became of the call here: the first thing that was in the way.
    #[schemars(extend("enum" = [
        "recognised", "one-of-several", "recognised-late", "wrong-code", "wrong-caller", "too-late", "ended",
        "too-early", "other-number"
    ]))]
    verdict: &'static str,
    /// All of it, for people.
    sentence: String,
}

impl ShownExplanation {
    fn new(context: &RequestContext<'_>, told: Explanation) -> Self {
        let (outcome, miss) = outcome(told.outcome);
        Self {
            at: Time(told.at),
            dialled_as: called(told.called),
            numbers: told.numbers.iter().map(|number| ShownNumber::new(context, &number.found)).collect(),
            outcome,
            reason: miss.map(Miss::label),
            sentence: told.sentence,
            near: told.near.into_iter().map(|near| ShownNear::new(context, near)).collect(),
            more: told.more,
            history_from: told.history_from.map(Time),
        }
    }
}

impl ShownNear {
    fn new(context: &RequestContext<'_>, near: Near) -> Self {
        let (until, ended) = near.held.ended.unzip();
        Self {
            allocation: ShownAllocation::new(&near.held.allocation, until.unwrap_or(context.now())),
            until: until.map(Time),
            ended: ended.map(Word),
            number: near.number,
            code: fit(near.code),
            caller: fit(near.caller),
            timing: timing(near.timing),
            seconds_apart: near.apart.get(),
            verdict: verdict(near.verdict),
            sentence: near.sentence,
        }
    }
}

const fn called(called: Called) -> &'static str {
    match called {
        Called::Number => "number",
        Called::Dnid => "dnid",
        Called::Hotline => "hotline",
        Called::Nothing => "nothing",
    }
}

const fn outcome(outcome: Outcome) -> (&'static str, Option<Miss>) {
    match outcome {
        Outcome::Recognised => ("recognised", None),
        Outcome::Ambiguous => ("ambiguous", None),
        Outcome::Late => ("late", None),
        Outcome::Missed(miss) => ("not-recognised", Some(miss)),
    }
}

const fn fit(fit: Fit) -> &'static str {
    match fit {
        Fit::Right => "right",
        Fit::Wrong => "wrong",
        Fit::NotGiven => "not-given",
        Fit::NotTold => "not-told",
    }
}

const fn timing(timing: Timing) -> &'static str {
    match timing {
        Timing::Live => "live",
        Timing::Late => "late",
        Timing::Expired => "expired",
        Timing::Ended => "ended",
        Timing::Early => "early",
    }
}

const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Recognised => "recognised",
        Verdict::OneOfSeveral => "one-of-several",
        Verdict::RecognisedLate => "recognised-late",
        Verdict::WrongCode => "wrong-code",
        Verdict::WrongCaller => "wrong-caller",
        Verdict::TooLate => "too-late",
        Verdict::Ended => "ended",
        Verdict::TooEarly => "too-early",
        Verdict::OtherNumber => "other-number",
    }
}

/// Explains a call.
struct ExplainCall;

impl Operation for ExplainCall {
    const NAME: &'static str = "call-explain";
    const VERB: Verb = Verb::Post;
    const PATH: &'static str = "/calls/explain";
    const SUMMARY: &'static str = "Tell why a call is recognised or is not";
    const ABOUT: &'static str = "Says what a match would do, or would have done at `at`, and lists the allocations that are \
        or were near, each with what fits and what does not. Changes nothing, and a wrong code counts among nobody's \
        guesses. Allocations of other numbers with the same caller or code are found while they run and within a day of \
        the call.";
    const EFFECT: Effect = Effect::Reads;

    type Path = Nothing;
    type Query = Nothing;
    type Body = Json<CallToExplain>;
    type Reply = WithBody<ShownExplanation>;

    async fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> Result<Self::Reply, Failure> {
        let Json(CallToExplain { dialled, caller, code, at }) = asked.body;
        let at = at.map(|Time(at)| at);
        if at.is_some_and(|at| at > context.now()) {
            return Err(Failure::of_member("at", "must not be later than now"));
        }
        let call = Explain { dialled, caller, code: code.map(|GivenCode(code)| code), at };
        let explanation = context.store.explain(context.scope(), &call).await?;
        Ok(WithBody(ShownExplanation::new(context, explanation)))
    }
}

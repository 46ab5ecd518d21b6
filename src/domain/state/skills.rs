//! Skill queues that callers make; the configured ones are read-only. And the key that tokens are signed with, which
//! is made once like them.

use std::sync::Arc;

use super::{State, Turn};
use crate::domain::idempotency::Identity;
use crate::domain::skill::LAST_CONFIGURED_SKILL;
use crate::domain::tables::routes::Numbering;
use crate::domain::{Change, Destination, Made, NewSkill, Refusal, RouteRefusal, Scope, SigningKey, Skill, SkillId};

/// Most queues that callers make in a scope.
pub const MAX_SKILLS: usize = 5_000;

impl Turn<'_> {
    /// Makes a skill queue.
    ///
    /// # Errors
    /// [`RouteRefusal::SkillExists`], [`RouteRefusal::SkillsFull`], [`RouteRefusal::SkillTooLarge`];
    /// [`Refusal::KeyReused`], [`Refusal::KeyExpired`].
    pub fn create_skill(&mut self, scope: &Scope, new: NewSkill) -> Result<Arc<Skill>, Refusal> {
        let again = self.repeated(scope, |tables, made, _| match made {
            Made::Skill(id) => tables.skill(scope, *id).cloned(),
            _ => None,
        });
        if let Some(skill) = again? {
            return Ok(skill);
        }
        self.check_against_rules(scope, None, &new)?;
        if self.state.tables.calls(scope).is_some_and(|calls| calls.skills.len() >= MAX_SKILLS) {
            return Err(RouteRefusal::SkillsFull { limit: MAX_SKILLS }.into());
        }
        let scope = self.state.shared(scope);
        let made = self.state.next_in_scope(&scope, |numbering| &mut numbering.skills);
        let skill = self.put_skill(&scope, SkillId(LAST_CONFIGURED_SKILL + made), new);
        self.remember(&scope, || Made::Skill(skill.id));
        Ok(skill)
    }

    /// Changes a skill queue that somebody made.
    ///
    /// # Errors
    /// [`RouteRefusal::SkillUnknown`], [`RouteRefusal::SkillConfigured`], [`RouteRefusal::SkillExists`], [`RouteRefusal::SkillTooLarge`];
    /// [`RouteRefusal::SkillInUse`] where the media type would change under a route.
    pub fn modify_skill(&mut self, scope: &Scope, id: SkillId, new: NewSkill) -> Result<Arc<Skill>, Refusal> {
        let before = self.changeable_skill(scope, id)?;
        if before.about.media != new.media {
            self.check_unused(scope, id)?;
        }
        self.check_against_rules(scope, Some(id), &new)?;
        let scope = self.state.shared(scope);
        Ok(self.put_skill(&scope, id, new))
    }

    /// Deletes skill queues that somebody made and that no route leads to: all of them, or none.
    ///
    /// # Errors
    /// [`RouteRefusal::SkillUnknown`], [`RouteRefusal::SkillConfigured`], [`RouteRefusal::SkillInUse`].
    pub fn delete_skills(&mut self, scope: &Scope, ids: &[SkillId]) -> Result<(), Refusal> {
        for id in ids {
            self.changeable_skill(scope, *id)?;
            self.check_unused(scope, *id)?;
        }
        let scope = self.state.shared(scope);
        for id in ids {
            if self.state.tables.skill(&scope, *id).is_some() {
                self.state.apply(Change::Skill(Arc::clone(&scope), *id, None));
                self.state.finish(&Identity::Skill(Arc::clone(&scope), *id), self.now);
            }
        }
        Ok(())
    }

    /// The key that tokens are signed with; made now if there is none yet.
    pub fn signing_key(&mut self) -> SigningKey {
        if let Some(key) = self.state.tables.signing_key() {
            return key.clone();
        }
        let mut bytes = [0; 32];
        self.rng.fill_bytes(&mut bytes);
        let key = SigningKey::new(bytes);
        self.state.apply(Change::SigningKey(key.clone()));
        key
    }

    fn put_skill(&mut self, scope: &Arc<Scope>, id: SkillId, about: NewSkill) -> Arc<Skill> {
        let skill = Arc::new(Skill { id, about });
        self.state.apply(Change::Skill(Arc::clone(scope), id, Some(Arc::clone(&skill))));
        skill
    }

    fn changeable_skill(&self, scope: &Scope, id: SkillId) -> Result<&Arc<Skill>, RouteRefusal> {
        if self.state.rules.call_center(&scope.tenant).skills.contains_key(&id) {
            return Err(RouteRefusal::SkillConfigured(id));
        }
        self.state.tables.skill(scope, id).ok_or(RouteRefusal::SkillUnknown(id))
    }

    fn check_unused(&self, scope: &Scope, id: SkillId) -> Result<(), RouteRefusal> {
        let calls = self.state.tables.calls(scope);
        match calls.and_then(|calls| calls.leading_to(Destination::Skill(id))) {
            Some(route) => Err(RouteRefusal::SkillInUse(id, Arc::clone(route))),
            None => Ok(()),
        }
    }

    /// A name is unlike that of any other queue, and the texts are of a length that a record can hold.
    fn check_against_rules(&self, scope: &Scope, id: Option<SkillId>, new: &NewSkill) -> Result<(), RouteRefusal> {
        if !new.is_small() {
            return Err(RouteRefusal::SkillTooLarge);
        }
        let configured = self.state.rules.call_center(&scope.tenant).skill_named(&new.name);
        let mut made = self.state.tables.calls(scope).into_iter().flat_map(|calls| calls.skills.values());
        let same = || made.find(|skill| skill.about.name == new.name && Some(skill.id) != id).map(|skill| skill.id);
        match configured.or_else(same) {
            Some(other) => Err(RouteRefusal::SkillExists(other)),
            None => Ok(()),
        }
    }
}

impl State {
    /// Gives out a number of the scope's own from the counter that `which` picks.
    pub(super) fn next_in_scope(&mut self, scope: &Arc<Scope>, which: fn(&mut Numbering) -> &mut u32) -> u32 {
        let mut numbering = self.tables.calls(scope).map(|calls| calls.numbering).unwrap_or_default();
        let counter = which(&mut numbering);
        *counter += 1;
        let number = *counter;
        self.apply(Change::Numbering(Arc::clone(scope), numbering));
        number
    }
}

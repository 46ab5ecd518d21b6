//! On whose behalf something is made or reached, where not everybody may reach everything.

use super::ApplicationName;

/// Who asks: an application of the tenant, or nobody in particular. By default nobody, who reaches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Asker {
    /// The application; what it makes is its own. What nobody in particular makes is nobody's.
    pub application: Option<ApplicationName>,
    /// What it reaches of what there is.
    pub reach: Reach,
}

/// What somebody reaches within a scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Everything, whoever made it.
    #[default]
    All,
    /// Only what the same application made. Everything else is unknown to it, as if it were not there.
    Own,
}

impl Asker {
    /// Whether something that `maker` made is reached.
    pub fn reaches(&self, maker: Option<&ApplicationName>) -> bool {
        match self.reach {
            Reach::All => true,
            Reach::Own => maker.is_some() && maker == self.application.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_made_is_nobodys_own() {
        let name = |name: &str| ApplicationName::new(name).ok();
        let asker = |application, reach| Asker { application, reach };
        let (web, app) = (name("web"), name("app"));
        assert!(asker(web.clone(), Reach::Own).reaches(web.as_ref()));
        assert!(!asker(web.clone(), Reach::Own).reaches(app.as_ref()));
        assert!(!asker(web.clone(), Reach::Own).reaches(None));
        assert!(!asker(None, Reach::Own).reaches(None), "an unknown application has no things of its own");
        for maker in [None, web.as_ref(), app.as_ref()] {
            assert!(asker(app.clone(), Reach::All).reaches(maker));
            assert!(Asker::default().reaches(maker));
        }
    }
}

//! Who calls, and whether that is enough for the call: before any handler runs.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::task::{Context, Poll};

use codeplane_proto::v1::Role;
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tower::Layer;
use tower::layer::util::{Identity, Stack as LayerStack};

use super::listener::Peer;
use super::status::status;
use crate::app::{Caller, Error};

/// The layers of the server.
pub(super) type Stack = LayerStack<Authorise, Identity>;

/// Checks every call of our services against the role its method asks for.
#[derive(Clone, Debug)]
pub(super) struct Authorise {
    /// Path of the method → role.
    required: Arc<HashMap<&'static str, Role>>,
}

impl Authorise {
    pub(super) fn new() -> Self {
        Self { required: Arc::new(codeplane_proto::REQUIRED_ROLES.iter().copied().collect()) }
    }

    /// The caller, if it may call `path`.
    fn caller(&self, path: &str, peer: Option<&Peer>) -> Result<Caller, Error> {
        let caller = match peer {
            Some(Peer::Own { pid }) => Caller::local(*pid),
            Some(Peer::Refused(why)) => return Err(Error::Denied(why.clone())),
            None => return Err(Error::Denied("the caller cannot be identified".to_owned())),
        };
        let roles = human_roles();
        match self.required.get(path) {
            Some(role) if roles.contains(role) => Ok(caller),
            Some(role) => Err(Error::Denied(format!("this needs the role {}", role.as_str_name()))),
            // Health and reflection tell nothing that a caller of our own user may not know.
            None => Ok(caller),
        }
    }
}

/// The daemon's own uid on the local socket holds all human roles.
fn human_roles() -> BTreeSet<Role> {
    BTreeSet::from([Role::Viewer, Role::Operator, Role::Approver, Role::Admin])
}

impl<S> Layer<S> for Authorise {
    type Service = Authorised<S>;

    fn layer(&self, inner: S) -> Authorised<S> {
        Authorised { inner, authorise: self.clone() }
    }
}

/// A service behind the check.
#[derive(Clone, Debug)]
pub(super) struct Authorised<S> {
    inner: S,
    authorise: Authorise,
}

impl<S> Service<http::Request<Body>> for Authorised<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = S::Error;
    type Future =
        std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        let peer = request.extensions().get::<Peer>();
        match self.authorise.caller(request.uri().path(), peer) {
            Ok(caller) => {
                request.extensions_mut().insert(caller);
                request.extensions_mut().insert(Roles(human_roles()));
                Box::pin(self.inner.call(request))
            }
            Err(error) => {
                let response = status(error).into_http();
                Box::pin(async move { Ok(response) })
            }
        }
    }
}

/// The roles that the check left in the request.
#[derive(Clone, Debug)]
struct Roles(BTreeSet<Role>);

/// An error unless the caller has another role than its call asks for: `what` needs it.
pub(super) fn require<T>(
    request: &tonic::Request<T>,
    role: Role,
    what: &str,
) -> Result<(), tonic::Status> {
    if request.extensions().get::<Roles>().is_some_and(|roles| roles.0.contains(&role)) {
        return Ok(());
    }
    Err(status(Error::Denied(format!("{what} needs the role {}", role.as_str_name()))))
}

/// The caller that the check left in the request.
pub(super) fn caller<T>(request: &tonic::Request<T>) -> Result<Caller, tonic::Status> {
    request
        .extensions()
        .get::<Caller>()
        .cloned()
        .ok_or_else(|| status(Error::Denied("the caller cannot be identified".to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_names_a_role() {
        assert!(codeplane_proto::REQUIRED_ROLES.len() >= 24);
        for (path, role) in codeplane_proto::REQUIRED_ROLES {
            assert_ne!(*role, Role::Unspecified, "{path}");
        }
    }

    #[test]
    fn more_than_the_call_itself_asks_for_can_be_required() {
        let mut request = tonic::Request::new(());
        assert!(require(&request, Role::Admin, "dangerous").is_err());

        request.extensions_mut().insert(Roles(BTreeSet::from([Role::Operator])));
        let refused = require(&request, Role::Admin, "dangerous").unwrap_err();
        assert!(refused.message().contains("dangerous needs the role ROLE_ADMIN"), "{refused}");

        request.extensions_mut().insert(Roles(human_roles()));
        assert!(require(&request, Role::Admin, "dangerous").is_ok());
    }

    #[test]
    fn a_caller_inside_a_session_may_do_nothing_at_all() {
        let refused = Peer::Refused("inside".to_owned());
        for (path, role) in codeplane_proto::REQUIRED_ROLES {
            assert!(Authorise::new().caller(path, Some(&refused)).is_err(), "{path}");
            assert!(Authorise::new().caller(path, None).is_err(), "{path}");
            let ours = Authorise::new().caller(path, Some(&Peer::Own { pid: 1 }));
            assert_eq!(ours.is_ok(), *role != Role::Agent, "{path}");
        }
    }
}

//! Who calls, and whether that is enough for the call: before any handler runs.

use std::collections::HashMap;
use std::sync::Arc;
use std::task::{Context, Poll};

use codeplane_core::{Admission, Door, Role, Roles};
use codeplane_proto::v1;
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::{Code, Status};
use tower::Layer;
use tower::layer::util::{Identity, Stack as LayerStack};

use super::listener::{HookPeer, Peer};
use super::status::status;
use crate::app::{Caller, Error};

/// The layers of a server.
pub(super) type Stack = LayerStack<Authorise, Identity>;

/// Checks every call at one door against the role its method asks for.
#[derive(Clone, Debug)]
pub(super) struct Authorise {
    door: Door,
    /// Path of the method → role.
    required: Arc<HashMap<&'static str, Role>>,
}

/// Why a call is not carried out.
#[derive(Debug)]
enum Refusal {
    /// Whoever calls may not.
    Denied(Error),
    /// Nobody may: there is no such method at this door.
    NotHere,
}

impl Authorise {
    pub(super) fn at(door: Door) -> Self {
        let required = codeplane_proto::REQUIRED_ROLES.iter();
        Self {
            door,
            required: Arc::new(required.map(|(path, needs)| (*path, role(*needs))).collect()),
        }
    }

    /// Who is at the other end, and what it may do.
    fn peer(&self, extensions: &http::Extensions) -> Result<(Option<Caller>, Roles), String> {
        let unknown = || "the caller cannot be identified".to_owned();
        match self.door {
            Door::Operators => match extensions.get::<Peer>().ok_or_else(unknown)? {
                Peer::Process { uid, pid, roles } => {
                    Ok((Some(Caller::user(*uid, *pid, *roles)), *roles))
                }
                Peer::Refused(why) => Err(why.clone()),
            },
            // Whose hook it is, its token tells.
            Door::Hooks => match extensions.get::<HookPeer>().ok_or_else(unknown)? {
                HookPeer::Process(_) => Ok((None, Roles::AGENT)),
                HookPeer::Refused(why) => Err(why.clone()),
            },
        }
    }

    /// The caller, if it may call `path`.
    fn check(&self, path: &str, extensions: &http::Extensions) -> Result<Option<Caller>, Refusal> {
        let denied = |why| Refusal::Denied(Error::Denied(why));
        let (caller, roles) = self.peer(extensions).map_err(denied)?;
        let Some(role) = self.required.get(path) else {
            // Health and reflection tell nothing that a caller may not know; the rest is not there.
            return Ok(caller);
        };
        match self.door.admits(*role, roles) {
            Admission::Admitted => Ok(caller),
            Admission::Lacks(role) => Err(denied(format!("this needs the role {role}"))),
            Admission::NotHere => Err(Refusal::NotHere),
        }
    }
}

impl Refusal {
    fn into_status(self) -> Status {
        match self {
            Self::Denied(error) => status(error),
            // As the transport says it of a method that nobody has heard of.
            Self::NotHere => {
                Status::new(Code::Unimplemented, "there is no such method at this socket")
            }
        }
    }
}

/// A role by its name on the wire. The build refuses a method without one; the strictest would be due.
const fn role(role: v1::Role) -> Role {
    match role {
        v1::Role::Viewer => Role::Viewer,
        v1::Role::Operator => Role::Operator,
        v1::Role::Approver => Role::Approver,
        v1::Role::Admin | v1::Role::Unspecified => Role::Admin,
        v1::Role::Agent => Role::Agent,
    }
}

/// A role as it is on the wire.
pub(super) const fn role_message(role: Role) -> v1::Role {
    match role {
        Role::Viewer => v1::Role::Viewer,
        Role::Operator => v1::Role::Operator,
        Role::Approver => v1::Role::Approver,
        Role::Admin => v1::Role::Admin,
        Role::Agent => v1::Role::Agent,
    }
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
        match self.authorise.check(request.uri().path(), request.extensions()) {
            Ok(caller) => {
                if let Some(caller) = caller {
                    request.extensions_mut().insert(caller);
                }
                Box::pin(self.inner.call(request))
            }
            Err(refusal) => {
                let response = refusal.into_status().into_http();
                Box::pin(async move { Ok(response) })
            }
        }
    }
}

/// An error unless the caller has another role than its call asks for: `what` needs it.
pub(super) fn require<T>(
    request: &tonic::Request<T>,
    role: Role,
    what: &str,
) -> Result<(), Status> {
    if caller(request).is_ok_and(|caller| caller.roles.contains(role)) {
        return Ok(());
    }
    Err(status(Error::Denied(format!("{what} needs the role {role}"))))
}

/// The caller that the check left in the request.
pub(super) fn caller<T>(request: &tonic::Request<T>) -> Result<Caller, Status> {
    request
        .extensions()
        .get::<Caller>()
        .cloned()
        .ok_or_else(|| status(Error::Denied("the caller cannot be identified".to_owned())))
}

#[cfg(test)]
mod tests {
    use codeplane_proto::REQUIRED_ROLES;

    use super::*;

    /// What a call at `door` is answered, before any handler.
    fn answer(door: Door, path: &str, extensions: &http::Extensions) -> Code {
        match Authorise::at(door).check(path, extensions) {
            Ok(_) => Code::Ok,
            Err(refusal) => refusal.into_status().code(),
        }
    }

    fn with<T: Clone + Send + Sync + 'static>(peer: T) -> http::Extensions {
        let mut extensions = http::Extensions::new();
        extensions.insert(peer);
        extensions
    }

    fn user(roles: impl IntoIterator<Item = Role>) -> Peer {
        Peer::Process { uid: 1001, pid: 1, roles: roles.into_iter().collect() }
    }

    /// This process, as it would be at the hooks' door.
    fn hook() -> HookPeer {
        let (socket, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        HookPeer::Process(Arc::new(crate::os::PeerProcess::of(&socket).unwrap()))
    }

    #[test]
    fn every_method_names_a_role() {
        assert!(REQUIRED_ROLES.len() >= 24);
        for (path, needs) in REQUIRED_ROLES {
            assert_ne!(*needs, v1::Role::Unspecified, "{path}");
        }
    }

    #[test]
    fn each_role_opens_its_own_methods_at_its_own_door_and_nothing_else() {
        for (path, needs) in REQUIRED_ROLES {
            let needs = role(*needs);
            let at_hooks = if needs == Role::Agent { Code::Ok } else { Code::Unimplemented };
            assert_eq!(answer(Door::Hooks, path, &with(hook())), at_hooks, "{path}");
            for held in Role::ALL {
                let expected = if needs == Role::Agent {
                    Code::Unimplemented
                } else if needs == held {
                    Code::Ok
                } else {
                    Code::PermissionDenied
                };
                let got = answer(Door::Operators, path, &with(user([held])));
                assert_eq!(got, expected, "{path} by {held}");
            }
        }
    }

    #[test]
    fn who_has_no_role_may_do_nothing_and_who_has_all_may_do_all() {
        for (path, needs) in REQUIRED_ROLES {
            let (nothing, everything) = if role(*needs) == Role::Agent {
                (Code::Unimplemented, Code::Unimplemented)
            } else {
                (Code::PermissionDenied, Code::Ok)
            };
            assert_eq!(answer(Door::Operators, path, &with(user([]))), nothing, "{path}");
            let all = user(Roles::HUMAN.iter());
            assert_eq!(answer(Door::Operators, path, &with(all)), everything, "{path}");
        }
    }

    #[test]
    fn who_is_refused_or_unknown_may_do_nothing_at_any_door() {
        let why = "inside".to_owned();
        let others = ["/grpc.health.v1.Health/Check", "/codeplane.v1.NoService/NoMethod"];
        for path in REQUIRED_ROLES.iter().map(|(path, _)| *path).chain(others) {
            for (door, extensions) in [
                (Door::Operators, with(Peer::Refused(why.clone()))),
                (Door::Operators, http::Extensions::new()),
                // Who came by one door is nobody at the other.
                (Door::Operators, with(hook())),
                (Door::Hooks, with(HookPeer::Refused(why.clone()))),
                (Door::Hooks, http::Extensions::new()),
                (Door::Hooks, with(user(Role::ALL))),
            ] {
                let got = answer(door, path, &extensions);
                assert_eq!(got, Code::PermissionDenied, "{path} at {door:?}");
            }
        }
    }

    #[test]
    fn more_than_the_call_itself_asks_for_can_be_required() {
        let mut request = tonic::Request::new(());
        assert!(require(&request, Role::Admin, "dangerous").is_err());

        let operator = Caller::user(1001, 1, [Role::Operator].into_iter().collect());
        request.extensions_mut().insert(operator);
        let refused = require(&request, Role::Admin, "dangerous").unwrap_err();
        assert!(refused.message().contains("dangerous needs the role admin"), "{refused}");

        request.extensions_mut().insert(Caller::local(1));
        assert!(require(&request, Role::Admin, "dangerous").is_ok());
    }
}

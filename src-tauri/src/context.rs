//! The services every part of the app works with. Cheap to clone.

use std::sync::Arc;

use tokio_util::task::TaskTracker;

use crate::{
    gateway::{client::InProcessClient, supervisor::GatewaySupervisor},
    notify::Notifications,
    platform::Platform,
    windows::{attention::WindowAttention, close::CloseSetting},
};

#[derive(Clone)]
pub(crate) struct AppContext {
    pub supervisor: GatewaySupervisor,
    pub control: InProcessClient,
    pub platform: Arc<dyn Platform>,
    pub notifications: Notifications,
    pub attention: WindowAttention,
    pub on_close: CloseSetting,
    pub tasks: TaskTracker,
}

use agentport_core::{IntegrationId, Timestamp};

use super::{testing::Scene, *};
use crate::types::{ConflictView, OnConflict, PlanAction};

mod keeping;
mod restoring;
mod sequences;

const ORIGINAL: &str = r#"{
  // mine
  "theme": "dark",
  "mcpServers": {
    "github": { "command": "npx", "args": ["github"] }
  }
}
"#;
const CONNECTED: &str = r#"{
  // mine
  "theme": "dark",
  "mcpServers": {
    "github": { "command": "npx", "args": ["github"] },
    "agentport": { "url": "http://127.0.0.1:4747/mcp" }
  }
}
"#;
const CONSOLIDATED: &str = r#"{
  // mine
  "theme": "dark",
  "mcpServers": {
    "agentport": { "url": "http://127.0.0.1:4747/mcp" }
  }
}
"#;

fn id(text: &str) -> IntegrationId {
    IntegrationId::new(text).unwrap()
}

async fn restored(scene: &Scene) -> Option<String> {
    let plan = scene.restoring().await;
    assert!(plan.conflicts.is_empty(), "{}", conflict(&plan));
    scene.carry_out(&plan).await;
    scene.text()
}

fn conflict(plan: &crate::plan::Plan) -> String {
    let text = |conflict: &ConflictView| match conflict {
        ConflictView::Lines { text, .. } => text.clone(),
        ConflictView::Name { .. } => panic!("not of names"),
    };
    plan.conflicts.iter().map(text).collect()
}

async fn can_restore(scene: &Scene) -> bool {
    scene.backups.can_restore(&scene.file(), scene.bytes().as_deref()).await.unwrap()
}

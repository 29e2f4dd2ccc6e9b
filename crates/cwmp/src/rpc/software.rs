//! Software modules (A.4.1.10, A.4.3.4, A.4.3.5; since CWMP 1.2). Phones have none; other CPEs do.

use serde::{Deserialize, Serialize};

use crate::check::uuid;
use crate::fault::TransferFault;
use crate::model::Secret;
use crate::time::CwmpTime;
use crate::wire::wire_struct;

wire_struct! {
    InstallOperation {
        url: String = required "URL" max 1024,
        uuid: Option<String> = optional "UUID" is uuid,
        username: Option<String> = optional "Username" max 256,
        password: Option<Secret> = optional "Password" max 256,
        execution_env_ref: Option<String> = optional "ExecutionEnvRef" max 256,
    }
}

wire_struct! {
    UpdateOperation {
        uuid: Option<String> = optional "UUID" is uuid,
        version: Option<String> = optional "Version" max 32,
        url: Option<String> = optional "URL" max 1024,
        username: Option<String> = optional "Username" max 256,
        password: Option<Secret> = optional "Password" max 256,
    }
}

wire_struct! {
    UninstallOperation {
        uuid: String = required "UUID" is uuid,
        version: Option<String> = optional "Version" max 32,
        execution_env_ref: Option<String> = optional "ExecutionEnvRef" max 256,
    }
}

/// `OperationStruct`: told apart by `xsi:type`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    Install(InstallOperation),
    Update(UpdateOperation),
    Uninstall(UninstallOperation),
}

wire_struct! {
    ChangeDuState {
        operations: Vec<Operation> = repeated "Operations" count 1..=usize::MAX,
        /// Comes back in DUStateChangeComplete and in the event "M ChangeDUState".
        command_key: String = or_default "CommandKey" max 32,
    }
}

/// `DeploymentUnitState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeploymentUnitState {
    Installed,
    Uninstalled,
    Failed,
}

wire_struct! {
    /// `OpResultStruct`: how one operation ended.
    OperationResult {
        uuid: String = required "UUID" is uuid,
        /// The data model's path of the unit; empty where it failed to install.
        deployment_unit_ref: String = or_default "DeploymentUnitRef",
        version: String = or_default "Version" max 32,
        current_state: DeploymentUnitState = required "CurrentState",
        resolved: bool = required "Resolved",
        /// Paths, comma separated.
        execution_unit_ref_list: String = or_default "ExecutionUnitRefList",
        start_time: CwmpTime = required "StartTime",
        complete_time: CwmpTime = required "CompleteTime",
        fault: TransferFault = required "Fault",
    }
}

wire_struct! {
    DuStateChangeComplete {
        results: Vec<OperationResult> = repeated "Results" count 1..=usize::MAX,
        command_key: String = or_default "CommandKey" max 32,
    }
}

wire_struct! {
    /// `AutonOpResultStruct`.
    AutonomousOperationResult {
        uuid: String = required "UUID" is uuid,
        deployment_unit_ref: String = or_default "DeploymentUnitRef",
        version: String = or_default "Version" max 32,
        current_state: DeploymentUnitState = required "CurrentState",
        resolved: bool = required "Resolved",
        execution_unit_ref_list: String = or_default "ExecutionUnitRefList",
        start_time: CwmpTime = required "StartTime",
        complete_time: CwmpTime = required "CompleteTime",
        fault: TransferFault = required "Fault",
        /// "Install", "Update", "Uninstall", or a vendor's own.
        operation_performed: String = required "OperationPerformed",
    }
}

wire_struct! {
    AutonomousDuStateChangeComplete {
        results: Vec<AutonomousOperationResult> = repeated "Results" count 1..=usize::MAX,
    }
}

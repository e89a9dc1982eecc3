//! What is set for an integration as a whole.

use super::*;

#[test]
fn an_integrations_default() {
    let asked = Asked::default();
    let default = Reason::IntegrationDefault;
    for mode in [Allow, Ask, Deny] {
        check_call("alone", asked, set(Some(mode), false), [], mode, default);
        let wider = [rule(Allow, Scope::Everything), rule(Ask, Scope::Everything)];
        check_call("beats a wider rule", asked, set(Some(mode), false), wider, mode, default);
    }
    for scope in [category("write"), tool("write_file")] {
        for default in [Allow, Ask, Deny] {
            for mode in [Allow, Ask, Deny] {
                let name = format!("{default:?} yields to {mode:?} {scope:?}");
                check_call(
                    &name,
                    asked,
                    set(Some(default), false),
                    [rule(mode, scope.clone())],
                    mode,
                    by(1),
                );
            }
        }
    }
    let files = || [rule(Allow, whole("files"))];
    check_call(
        "deny ties with a rule as wide",
        asked,
        set(Some(Deny), false),
        files(),
        Deny,
        default,
    );
    check_call("ask ties with a rule as wide", asked, set(Some(Ask), false), files(), Ask, default);
    check_call("a rule is named first", asked, set(Some(Allow), false), files(), Allow, by(1));
}

#[test]
fn read_only_tools_may_run() {
    let reads = Asked { effect: Some(READS), ..Asked::default() };
    let adds = Asked { effect: Some(ADDS), ..Asked::default() };
    let on = set(None, true);
    let switch = Reason::ReadOnlyMayRun;
    check_call("on", reads, on, [], Allow, switch);
    check_call("off", reads, set(None, false), [], Ask, Reason::NoRule);
    check_call("other tools", adds, on, [], Ask, Reason::NoRule);
    check_call("silent tools", Asked::default(), on, [], Ask, Reason::NoRule);
    for default in [Ask, Deny] {
        check_call("beats the default", reads, set(Some(default), true), [], Allow, switch);
    }
    for (other, mode, reason) in [
        (rule(Ask, Scope::Everything), Allow, switch),
        (rule(Ask, whole("files")), Allow, switch),
        (rule(Ask, category("write")), Ask, by(1)),
        (rule(Ask, read_only()), Ask, by(1)),
        (rule(Allow, category("write")), Allow, by(1)),
        (rule(Ask, tool("write_file")), Ask, by(1)),
        (rule(Ask, category("read")), Allow, switch),
        (rule(Deny, Scope::Everything), Deny, by(1)),
        (rule(Deny, whole("files")), Deny, by(1)),
    ] {
        check_call(&format!("{other:?}"), reads, on, [other], mode, reason);
    }
}

import type { ToolEffect } from "./ToolEffect";
export type Classification = { effect: ToolEffect, outdated: boolean, };

import type { DefinitionDigest } from "./DefinitionDigest";
import type { ToolEffect } from "./ToolEffect";
export type ClassifyTool = { tool: string, effect: ToolEffect | null, digest?: DefinitionDigest, };

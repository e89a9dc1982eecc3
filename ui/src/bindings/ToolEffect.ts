export type ToolEffect = "reads" | "changes" | "undeclared" | "destroys";

/** Arguments while they are being edited. */
export interface Draft {
  /** What would run; `undefined` while what is written is not usable. */
  value: unknown;
  /** Why it is not usable. */
  wrong: string | null;
}

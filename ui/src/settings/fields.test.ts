import { describe, expect, it } from 'vitest';
import type { Settings } from '../bindings/Settings';
import { changes, FIELDS, wrong } from './fields';

const settings: Settings = {
  approval_expiry_minutes: 10,
  pending_per_agent: 5,
  call_timeout_seconds: 300,
  idle_stop_minutes: 10,
  activity_retention_days: 90,
  calls_per_minute: 0,
};

describe('settings', () => {
  it('has a field for each', () => {
    expect(FIELDS.map(({ name }) => name).sort()).toEqual(Object.keys(settings).sort());
  });

  it('keeps the bounds', () => {
    for (const field of FIELDS) {
      expect(wrong(field, String(field.least)), field.name).toBeNull();
      expect(wrong(field, String(field.most)), field.name).toBeNull();
      expect(wrong(field, String(field.most + 1)), field.name).not.toBeNull();
      if (field.least > 0) expect(wrong(field, '0'), field.name).not.toBeNull();
      for (const bad of ['', '-1', '1.5', 'ten', '1e3']) expect(wrong(field, bad), bad).not.toBeNull();
    }
  });

  it('sends only what changed', () => {
    expect(changes(settings, {})).toEqual({});
    expect(changes(settings, { idle_stop_minutes: '10', calls_per_minute: '60' })).toEqual({
      calls_per_minute: 60,
    });
    expect(changes(settings, { idle_stop_minutes: '', calls_per_minute: '60' })).toBeNull();
  });
});

import { describe, expect, it } from 'vitest';
import type { Settings } from '../bindings/Settings';
import { back, EXTERNAL_PORT, FIELDS, PORT, wrong } from './fields';

const settings: Settings = {
  approval_expiry_minutes: 10,
  pending_per_agent: 5,
  call_timeout_seconds: 300,
  idle_stop_minutes: 10,
  activity_retention_days: 90,
  calls_per_minute: 0,
  port: 4747,
  external_url: null,
  external_port: 4748,
  client_id_documents: false,
  notifications: true,
  notifications_hide_details: false,
  notifications_silent_until: null,
  inherited_environment: [],
  welcomed: true,
};

describe('settings', () => {
  it('has a field for each that is a number', () => {
    const numbers = Object.entries(settings).filter(([, value]) => typeof value === 'number');
    const fields = [...FIELDS, PORT, EXTERNAL_PORT].map(({ name }) => name);
    expect(fields.sort()).toEqual(numbers.map(([name]) => name).sort());
  });

  it('keeps the bounds', () => {
    for (const field of [...FIELDS, PORT]) {
      expect(wrong(field, String(field.least)), field.name).toBeNull();
      expect(wrong(field, ` ${field.most} `), field.name).toBeNull();
      expect(wrong(field, String(field.most + 1)), field.name).not.toBeNull();
      if (field.least > 0) expect(wrong(field, '0'), field.name).not.toBeNull();
      for (const bad of ['', '-1', '1.5', 'ten', '1e3']) expect(wrong(field, bad), bad).not.toBeNull();
    }
  });

  it('can be taken back, and nothing else with it', () => {
    expect(back(settings, { idle_stop_minutes: 20, notifications_silent_until: 'x' })).toEqual({
      idle_stop_minutes: 10,
      notifications_silent_until: null,
    });
  });
});

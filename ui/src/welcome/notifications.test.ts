import { expect, it } from 'vitest';
import { notificationWords } from './notifications';

it('says what shows notifications, and what happens where nothing does', () => {
  const say = (reachable: boolean, buttons: boolean, server: string | null) =>
    notificationWords({ reachable, buttons, server });
  expect(say(true, true, 'Xfce Notify Daemon')).toBe(
    'Shown by Xfce Notify Daemon, with buttons to approve and deny.',
  );
  expect(say(true, false, '')).toContain('by this desktop, without buttons');
  expect(say(false, false, null)).toContain('This desktop shows no notifications');
});

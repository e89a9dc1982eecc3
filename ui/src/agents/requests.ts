/** What the agents page asks of the gateway. */
import type { ChangeKey } from '../bindings/ChangeKey';
import type { CreateKey } from '../bindings/CreateKey';
import type { Items } from '../bindings/Items';
import type { KeyView } from '../bindings/KeyView';
import type { NewKey } from '../bindings/NewKey';
import type { Profile } from '../bindings/Profile';
import type { Trust } from '../bindings/Trust';
import { host } from '../host';
import { KEY, KEYS, KEY_TRUST, PROFILE, PROFILES, fill } from '../host/paths';

const items = async <T>(path: string) => (await host.request<Items<T>>('GET', path)).items;

export const list = () => items<KeyView>(KEYS);
export const profiles = () => items<Profile>(PROFILES);
export const create = (body: CreateKey) => host.request<NewKey>('POST', KEYS, body);
export const revoke = (id: string) => host.request('DELETE', fill(KEY, id));
export const change = (id: string, body: ChangeKey) => host.request('PATCH', fill(KEY, id), body);
export const trust = (id: string, body: Trust) => host.request('POST', fill(KEY_TRUST, id), body);
export const putProfile = (profile: Profile) => host.request('PUT', fill(PROFILE, profile.name), profile);
export const deleteProfile = (name: string) => host.request('DELETE', fill(PROFILE, name));

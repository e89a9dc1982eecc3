/** What the agents page asks of the gateway. */
import type { ChangeKey } from '../bindings/ChangeKey';
import type { CreateKey } from '../bindings/CreateKey';
import type { Items } from '../bindings/Items';
import type { KeyView } from '../bindings/KeyView';
import type { NewKey } from '../bindings/NewKey';
import type { Profile } from '../bindings/Profile';
import type { Trust } from '../bindings/Trust';
import { host } from '../host';

const at = (id: string) => `/control/keys/${encodeURIComponent(id)}`;
const items = async <T>(path: string) => (await host.request<Items<T>>('GET', path)).items;

export const list = () => items<KeyView>('/control/keys');
export const profiles = () => items<Profile>('/control/profiles');
export const create = (body: CreateKey) => host.request<NewKey>('POST', '/control/keys', body);
export const revoke = (id: string) => host.request('DELETE', at(id));
export const change = (id: string, body: ChangeKey) => host.request('PATCH', at(id), body);
export const trust = (id: string, body: Trust) => host.request('POST', `${at(id)}/trust`, body);
const named = (name: string) => `/control/profiles/${encodeURIComponent(name)}`;
export const putProfile = (profile: Profile) => host.request('PUT', named(profile.name), profile);
export const deleteProfile = (name: string) => host.request('DELETE', named(name));

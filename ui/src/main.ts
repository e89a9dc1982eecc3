import { mount } from 'svelte';
import App from './App.svelte';
import { theme } from './shell/theme.svelte';
import './style/tokens.css';
import './style/base.css';
import './style/buttons.css';
import './style/fields.css';
import './style/surfaces.css';
import './style/overlays.css';

theme.apply();
const target = document.getElementById('app');
if (target) mount(App, { target });

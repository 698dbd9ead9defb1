export interface Item {
  id: string;
  title: string;
  text: string;
}

/** What `/api/v1/search` searches: a glossary of shipping, in both senses. */
export const CATALOGUE: readonly Item[] = [
  ['ballast', 'Ballast', 'Weight that keeps a vessel upright, and the default settings that keep a service so.'],
  ['berth', 'Berth', 'A place where a ship lies; the port and the address that a container is given.'],
  ['bollard', 'Bollard', 'A short post to which a ship is made fast.'],
  ['bow', 'Bow', 'The front of a ship: the load balancer that meets the waves first.'],
  ['bulkhead', 'Bulkhead', 'A wall that keeps a leak in one compartment from sinking the ship or the service.'],
  ['buoy', 'Buoy', 'A floating mark; a metric that shows where the channel runs.'],
  ['cargo', 'Cargo', 'What a ship carries: an image, known by its digest.'],
  ['canary', 'Canary', 'A small part of the traffic that meets a new revision before the rest does.'],
  ['draught', 'Draught', 'How deep a ship lies in the water: memory and CPU of a task.'],
  ['drydock', 'Dry dock', 'Where a ship is repaired out of the water: a staging environment.'],
  ['fleet', 'Fleet', 'All ships together, or all tasks of a cluster.'],
  ['harbour', 'Harbour', 'Sheltered water with berths: a cluster or a group of hosts.'],
  ['hull', 'Hull', 'The body of a ship; the base image under everything else.'],
  ['keel', 'Keel', 'The beam on which a ship is built: the network and the state below the services.'],
  ['launch', 'Launch', 'Letting a new ship into the water: the first deployment of a service.'],
  ['ledger', 'Ledger', 'The book of what was deployed where, and when.'],
  ['lighthouse', 'Lighthouse', 'A light that says where the coast is: a health check.'],
  ['manifest', 'Manifest', 'The list of what is on board: the layers of an image.'],
  ['mooring', 'Mooring', 'The lines that hold a ship: connections that are kept open.'],
  ['pilot', 'Pilot', 'One who knows the harbour and brings ships in: the pipeline.'],
  ['rollback', 'Rollback', 'Putting the revision back that served before.'],
  ['rudder', 'Rudder', 'What steers a ship: the configuration of a deployment.'],
  ['slipway', 'Slipway', 'The ramp on which ships are built and launched.'],
  ['tide', 'Tide', 'Rise and fall of the water, as of traffic over a day.'],
].map(([id = '', title = '', text = '']) => ({ id, title, text }));

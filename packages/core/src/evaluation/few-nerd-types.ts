import type { LabelledType } from './labelled-corpus.js';

/**
 * The fine types of Few-NERD by their coarse ones, and the names by which they are searched for: those of the paper's published code
 * (entities_to_names.json, MIT licence). Its one name "Other" for all seven bins is told apart here; they are measured apart anyway.
 */
const names: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  art: {
    broadcastprogram: 'Broadcast Program',
    film: 'Film',
    music: 'Music',
    painting: 'Painting',
    writtenart: 'Written Art',
    other: 'Art - Other',
  },
  building: {
    airport: 'Airport',
    hospital: 'Hospital',
    hotel: 'Hotel',
    library: 'Library',
    restaurant: 'Restaurant',
    sportsfacility: 'Sports Facility',
    theater: 'Theater',
    other: 'Building - Other',
  },
  event: {
    'attack/battle/war/militaryconflict': 'Attack or Battle or War or Military Conflict',
    disaster: 'Disaster',
    election: 'Election',
    protest: 'Protest',
    sportsevent: 'Sports Event',
    other: 'Event - Other',
  },
  location: {
    bodiesofwater: 'Bodies of Water',
    GPE: 'GPE',
    island: 'Island',
    mountain: 'Mountain',
    park: 'Park',
    'road/railway/highway/transit': 'Road or Railway or Highway or Transit',
    other: 'Location - Other',
  },
  organization: {
    company: 'Company',
    education: 'Education',
    'government/governmentagency': 'Government or Government Agency',
    'media/newspaper': 'Media or News Paper',
    politicalparty: 'Political Party',
    religion: 'Religion',
    showorganization: 'Show Organization',
    sportsleague: 'Sports league',
    sportsteam: 'Sports Team',
    other: 'Organization - Other',
  },
  other: {
    astronomything: 'Astronomy Thing',
    award: 'Award',
    biologything: 'Biology Thing',
    chemicalthing: 'Chemical Thing',
    currency: 'Currency',
    disease: 'Disease',
    educationaldegree: 'Educational Degree',
    god: 'God',
    language: 'Language',
    law: 'Law',
    livingthing: 'Living Thing',
    medical: 'Medical',
  },
  person: {
    actor: 'Actor',
    'artist/author': 'Artist or Author',
    athlete: 'Athlete',
    director: 'Director',
    politician: 'Politician',
    scholar: 'Scholar',
    soldier: 'Soldier',
    other: 'Person - Other',
  },
  product: {
    airplane: 'Airplane',
    car: 'Car',
    food: 'Food',
    game: 'Game',
    ship: 'Ship',
    software: 'Software',
    train: 'Train',
    weapon: 'Weapon',
    other: 'Product - Other',
  },
};

export const fewNerdTypes: readonly LabelledType[] = Object.entries(names).flatMap(([coarse, fine]) =>
  Object.entries(fine).map(([type, query]) => ({ type: `${coarse}-${type}`, query, other: type === 'other' })),
);

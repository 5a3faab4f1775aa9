import type { LabelledType } from './labelled-corpus.js';

/** The fine types of MultiCoNER 2 and the names by which they are searched for. */
const names: Readonly<Record<string, string>> = {
  // Location
  Facility: 'Facility',
  OtherLOC: 'Location - Other',
  HumanSettlement: 'Human Settlement',
  Station: 'Station',
  // Creative work
  VisualWork: 'Visual Work',
  MusicalWork: 'Musical Work',
  WrittenWork: 'Written Work',
  ArtWork: 'Art Work',
  Software: 'Software',
  // Group
  MusicalGRP: 'Musical Group',
  PublicCorp: 'Public Corporation',
  PrivateCorp: 'Private Corporation',
  AerospaceManufacturer: 'Aerospace Manufacturer',
  SportsGRP: 'Sports Group',
  CarManufacturer: 'Car Manufacturer',
  ORG: 'Organization',
  // Person
  Scientist: 'Scientist',
  Artist: 'Artist',
  Athlete: 'Athlete',
  Politician: 'Politician',
  Cleric: 'Cleric',
  SportsManager: 'Sports Manager',
  OtherPER: 'Person - Other',
  // Product
  Clothing: 'Clothing',
  Vehicle: 'Vehicle',
  Food: 'Food',
  Drink: 'Drink',
  OtherPROD: 'Product - Other',
  // Medical
  'Medication/Vaccine': 'Medication or Vaccine',
  MedicalProcedure: 'Medical Procedure',
  AnatomicalStructure: 'Anatomical Structure',
  Symptom: 'Symptom',
  Disease: 'Disease',
};

export const multiconer2Types: readonly LabelledType[] = Object.entries(names).map(([type, query]) => ({
  type,
  query,
  other: type.startsWith('Other'),
}));

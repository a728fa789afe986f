export async function doctor(): Promise<{ text: string; usable: boolean }> {
  return { text: '', usable: true };
}
